-- Copies more of the messages that a cut keeps, with their client ids. The last cut puts the copy in the thread's place. Nobody else reads a
-- copy, and an unused one expires.
-- KEYS: session, source_thread, thread (the copy), ids (the copy)
-- ARGV: source ('createdAt deleted': when the session was made and how many of its messages have ever been deleted), to (place of the last
--   message that stays), last (that was copied, or '' to begin), most (messages), room (bytes, the first one's not counted), copy_millis
--   (that the copy lasts without another step)
-- Returns: {1, the last one copied, messages and bytes that were copied now} | {0, 'version-conflict'} the session is another, or a message
--   was deleted meanwhile
local call, format = redis.call, string.format
local key_session, key_source_thread, key_thread, key_ids = unpack(KEYS)
local source, to, last, most, room, copy_millis = unpack(ARGV)
local packed = call('HGET', key_session, 'p') or ''
-- #include parse
-- #include parse_rest
if packed == '' or source ~= created_at .. format(' %d', last_seq - count) then return {0, 'version-conflict'} end
-- A full Redis does not refuse this first write: a cut ends with less than there was.
if last == '' then
  call('UNLINK', key_thread, key_ids)
  call('HSET', key_ids, '~', '')
else
  call('PEXPIRE', key_thread, copy_millis)
end
local from, copied, size = last == '' and '-' or '(' .. last, 0, 0
most, room = tonumber(most), tonumber(room)
while copied < most do
  local entry = call('XRANGE', key_source_thread, from, to, 'COUNT', 1)[1]
  if not entry then break end
  local id = string.match(entry[2][2], '^%S+ %S+ %S+ (.*)$')
  local more = #entry[2][4] + #id
  if copied > 0 and size + more > room then break end
  last, copied, size = entry[1], copied + 1, size + more
  call('XADD', key_thread, last, unpack(entry[2]))
  if id ~= '' then call('HSET', key_ids, id, last) end
  from = '(' .. last
end
call('PEXPIRE', key_thread, copy_millis)
call('PEXPIRE', key_ids, copy_millis)
return {1, last, copied, size}
