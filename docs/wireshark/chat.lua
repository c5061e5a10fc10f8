-- Wireshark reads the chat room's protocol: lines of UTF-8, told apart by how they begin.
--
-- What the server says begins with `* ` (a notice), `! ` (an error) or `[name]` (a message); what a client says is
-- its name first, then text and commands. A line that is not whole yet waits for the next segment.
--   tshark -r chat.pcapng -X lua_script:chat.lua -Y course-chat
-- Read before: docs/en/08-chat-room.md. Source: Wireshark Developer's Guide, chapter 11.

local PORT = 7777

local chat = Proto("course-chat", "Course: chat room")
local kind = ProtoField.string("course-chat.kind", "Kind")
local from = ProtoField.string("course-chat.from", "From", base.UNICODE)
local to = ProtoField.string("course-chat.to", "To", base.UNICODE)
local text = ProtoField.string("course-chat.text", "Text", base.UNICODE)
chat.fields = { kind, from, to, text }

-- The kind of a line, where its text begins (from 0), and who says it to whom.
local function understand(line, is_server)
  if is_server then
    local sender, receiver, behind = line:match("^%[(.-) %-> (.-)%] ()")
    if sender then return "private message", behind - 1, sender, receiver end
    sender, behind = line:match("^%[(.-)%] ()")
    if sender then return "message", behind - 1, sender end
    if line:sub(1, 2) == "* " then return "notice", 2 end
    if line:sub(1, 2) == "! " then return "error", 2 end
    return "unknown", 0
  end
  local receiver, behind = line:match("^/msg (%S+) ()")
  if receiver then return "private message", behind - 1, nil, receiver end
  if line:sub(1, 2) == "//" then return "text", 1 end
  if line:sub(1, 1) == "/" then return "command", 0 end
  return "text", 0
end

local function add_line(range, tree, is_server)
  local line = range:raw():gsub("\r?\n$", "")
  local what, begin, sender, receiver = understand(line, is_server)
  local branch = tree:add(chat, range, (is_server and "Server: " or "Client: ") .. what)
  branch:add(kind, range, what)
  if sender then branch:add(from, range, sender) end
  if receiver then branch:add(to, range, receiver) end
  if #line > begin then branch:add_packet_field(text, range(begin, #line - begin), ENC_UTF_8) end
  return what
end

function chat.dissector(buffer, packet, tree)
  packet.cols.protocol = "CHAT"
  local bytes = buffer:raw()
  local is_server, at, kinds = packet.src_port == packet.match_uint, 0, {}
  while at < buffer:len() do
    local line_end = bytes:find("\n", at + 1, true)
    if not line_end then
      -- The rest of this line is in a segment that is still to come.
      packet.desegment_offset = at
      packet.desegment_len = DESEGMENT_ONE_MORE_SEGMENT
      break
    end
    kinds[#kinds + 1] = add_line(buffer(at, line_end - at), tree, is_server)
    at = line_end
  end
  if #kinds > 0 then packet.cols.info = (is_server and "server: " or "client: ") .. table.concat(kinds, ", ") end
  return buffer:len()
end

DissectorTable.get("tcp.port"):add(PORT, chat)
DissectorTable.get("tcp.port"):add_for_decode_as(chat)
