-- Wireshark reads the length-prefixed frames of chapter 2: four bytes of length, big-endian, then the message.
--
-- A frame need not begin where a segment begins: dissect_tcp_pdus asks for the bytes that are missing, as the
-- program's own decoder does. The course's frames have no mark of their own, so the port must be named:
--   tshark -r length.pcapng -X lua_script:length.lua -d tcp.port==8888,course-length
-- Read before: docs/en/02-tcp.md. Source: Wireshark Developer's Guide, chapter 11.

local HEADER_LEN = 4
local LEN_MAX = 65536

local frame = Proto("course-length", "Course: length-prefixed frame")
local len = ProtoField.uint32("course-length.len", "Length", base.DEC)
local message = ProtoField.string("course-length.message", "Message", base.UNICODE)
local too_long = ProtoExpert.new("course-length.too_long", "Longer than the limit of 65536 bytes",
  expert.group.PROTOCOL, expert.severity.ERROR)
frame.fields = { len, message }
frame.experts = { too_long }

local function frame_len(buffer, _, offset)
  local announced = buffer(offset, HEADER_LEN):uint()
  -- Whoever believes every length waits for four gigabytes.
  if announced > LEN_MAX then return HEADER_LEN end
  return HEADER_LEN + announced
end

local function read_frame(buffer, packet, tree)
  packet.cols.protocol = "LENGTH"
  local announced = buffer(0, HEADER_LEN):uint()
  local branch = tree:add(frame, buffer(), "Frame of " .. announced .. " bytes")
  local item = branch:add(len, buffer(0, HEADER_LEN))
  if announced > LEN_MAX then
    item:add_proto_expert_info(too_long)
    return buffer:len()
  end
  if announced > 0 then
    branch:add_packet_field(message, buffer(HEADER_LEN), ENC_UTF_8)
  end
  return buffer:len()
end

function frame.dissector(buffer, packet, tree)
  dissect_tcp_pdus(buffer, tree, HEADER_LEN, frame_len, read_frame)
  return buffer:len()
end

DissectorTable.get("tcp.port"):add_for_decode_as(frame)
