-- Wireshark reads the datagrams of the file transfer: a header with a mark, a kind, and what the kind carries.
--
-- The mark `FT` and the version tell our datagrams from others', so they are found on every port.
--   tshark -r file-transfer.pcapng -X lua_script:file-transfer.lua -Y course-file
-- Read before: crates/09-file-transfer/src/wire/mod.rs, which draws them. Source: Wireshark Developer's Guide, chapter 11.

local PORT = 9900
local HEADER_LEN = 16
local KINDS = { "HELLO", "COOKIE", "OFFER", "ANSWER", "DATA", "PROBE", "ACK", "FINISH", "VERDICT", "BYE" }
local ENDINGS = { [0] = "complete", "differs", "refused" }

local ft = Proto("course-file", "Course: file transfer")
local function number(kind, name, title, values) return ProtoField[kind]("course-file." .. name, title, base.DEC, values) end
local F = {
  version = number("uint8", "version", "Version"),
  kind = number("uint8", "kind", "Kind", KINDS),
  checksum = ProtoField.uint32("course-file.checksum", "Checksum (CRC-32)", base.HEX),
  session = ProtoField.uint64("course-file.session", "Session", base.HEX),
  cookie = ProtoField.bytes("course-file.cookie", "Cookie"),
  files = number("uint32", "files", "Files in all"),
  index = number("uint32", "index", "File"),
  flag = number("uint8", "flag", "Flag"),
  size = number("uint64", "size", "Size"),
  modified = number("int64", "modified", "Modified, nanoseconds since 1970"),
  name = ProtoField.string("course-file.name", "Name", base.UNICODE),
  from = number("uint64", "from", "From offset"),
  reason = ProtoField.string("course-file.reason", "Reason", base.UNICODE),
  number = number("uint32", "number", "Number"),
  floor = number("uint32", "floor", "Floor"),
  offset = number("uint64", "offset", "Offset"),
  data = ProtoField.bytes("course-file.data", "Bytes of the file"),
  padding = ProtoField.bytes("course-file.padding", "Padding"),
  largest = number("uint32", "largest", "Largest number"),
  delay = number("uint32", "delay", "Delay, microseconds"),
  gap = number("uint16", "gap", "Gap"),
  length = number("uint16", "length", "Length"),
  digest = ProtoField.bytes("course-file.digest", "BLAKE3"),
  ending = number("uint8", "ending", "How it ended", ENDINGS),
}
ft.fields = F

-- What each kind carries: field and length; no length takes the rest.
local BODIES = {
  { { "padding" } },
  { { "cookie", 16 } },
  { { "cookie", 16 }, { "files", 4 }, { "index", 4 }, { "flag", 1 }, { "size", 8 }, { "modified", 8 }, { "name" } },
  { { "index", 4 }, { "flag", 1 }, { "from", 8 }, { "reason" } },
  { { "number", 4 }, { "floor", 4 }, { "index", 4 }, { "offset", 8 }, { "data" } },
  { { "number", 4 }, { "floor", 4 }, { "padding" } },
  { { "largest", 4 }, { "delay", 4 } },
  { { "index", 4 }, { "digest", 32 } },
  { { "index", 4 }, { "ending", 1 }, { "reason" } },
  { { "flag", 1 }, { "reason" } },
}
local TEXTS = { name = true, reason = true }

function ft.dissector(buffer, packet, tree)
  if buffer:len() < HEADER_LEN or buffer(0, 2):string() ~= "FT" then return 0 end
  local kind = buffer(3, 1):uint()
  packet.cols.protocol = "FILE"
  packet.cols.info = (KINDS[kind] or "unknown kind") .. ", " .. buffer:len() .. " bytes"
  local branch = tree:add(ft, buffer(), "File transfer: " .. (KINDS[kind] or "unknown kind"))
  branch:add(F.version, buffer(2, 1))
  branch:add(F.kind, buffer(3, 1))
  branch:add(F.checksum, buffer(4, 4))
  branch:add(F.session, buffer(8, 8))
  local at = HEADER_LEN
  for _, part in ipairs(BODIES[kind] or {}) do
    local name, len = part[1], part[2] or buffer:len() - at
    -- A datagram that is cut short ends here; the program refuses it.
    if at + len > buffer:len() then return buffer:len() end
    if len > 0 and TEXTS[name] then branch:add_packet_field(F[name], buffer(at, len), ENC_UTF_8)
    elseif len > 0 then branch:add(F[name], buffer(at, len)) end
    at = at + len
  end
  while KINDS[kind] == "ACK" and at + 4 <= buffer:len() do
    branch:add(F.gap, buffer(at, 2))
    branch:add(F.length, buffer(at + 2, 2))
    at = at + 4
  end
  return buffer:len()
end

local function is_ours(buffer, packet, tree)
  if buffer:len() < HEADER_LEN or buffer(0, 2):string() ~= "FT" or buffer(2, 1):uint() ~= 1 then return false end
  ft.dissector(buffer, packet, tree)
  return true
end

DissectorTable.get("udp.port"):add(PORT, ft)
ft:register_heuristic("udp", is_ours)
