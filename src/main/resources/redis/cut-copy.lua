-- Copies some more of the messages that a cut leaves, with their client ids, for it to put in the place
-- of the thread. Nobody else sees a copy; one that is not used goes by itself.
--
-- KEYS: 1 session, 2 thread, 3 copy of the thread, 4 copy of the client ids
-- ARGV: 1 what the copy is of: 'createdAt deleted', when the session was made and how many of its messages
--   have ever been deleted, 2 place of the last message that stays, 3 the last one that was copied or ''
--   to begin, 4 most messages and 5 most bytes, the first one's not counted, 6 milliseconds that the copy
--   lasts without another step
-- Returns: {1, the last one copied, messages and bytes that were copied now} | {0, 'version-conflict'} the
--   session is another, or a message was deleted since
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local p = call('HGET', KEYS[1], 'p')
local q, c, made = string.match(p or '', '^%S+ %d+ (%d+) (%d+) %d+ %d+ %d+ %d+ %S+ %d+ (%d+) ')
if not p or ARGV[1] ~= made .. string.format(' %d', q - c) then return {0, 'version-conflict'} end
-- First what a full Redis does not refuse: a cut ends with less than there was.
if ARGV[3] == '' then
  call('UNLINK', KEYS[3], KEYS[4])
  call('HSET', KEYS[4], '~', '')
else
  call('PEXPIRE', KEYS[3], ARGV[6])
end
local from, last = ARGV[3] == '' and '-' or '(' .. ARGV[3], ARGV[3]
local most, room, count, bytes = tonumber(ARGV[4]), tonumber(ARGV[5]), 0, 0
while count < most do
  local entry = call('XRANGE', KEYS[2], from, ARGV[2], 'COUNT', 1)[1]
  if not entry then break end
  local id = string.match(entry[2][2], '^%S+ %S+ %S+ (.*)$')
  local size = #entry[2][4] + #id
  if count > 0 and bytes + size > room then break end
  last, count, bytes = entry[1], count + 1, bytes + size
  call('XADD', KEYS[3], last, unpack(entry[2]))
  if id ~= '' then call('HSET', KEYS[4], id, last) end
  from = '(' .. last
end
call('PEXPIRE', KEYS[3], ARGV[6])
call('PEXPIRE', KEYS[4], ARGV[6])
return {1, last, count, bytes}
