-- Part of what reads turns: is the session there and the owner's, and are the records its own.
--
-- KEYS: 1 session
-- ARGV: 1 owner the session must have ('' for any)
-- Leaves T, Q, E of part-turn-write, now, and record(key), its fields or nil.
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local p, T, Q, E, gone, user = unpack(call('HMGET', KEYS[1], 'p', 'T', 'Q', 'E', 'g', 'u'))
if not p then
  if not gone or (ARGV[1] ~= '' and ARGV[1] ~= user) then return {0, 'session-not-found'} end
  return {0, 'session-' .. gone}
end
local e, made, owner = string.match(p, '^%S+ %d+ %d+ %d+ %d+ (%d+) %d+ %d+ %S+ %d+ (%d+) (.*)$')
if ARGV[1] ~= '' and ARGV[1] ~= owner then return {0, 'session-not-found'} end
local clock = call('TIME')
-- While a turn runs it will be ended first, and that lets the session live on.
local now = string.format('%d', clock[1] * 1000 + clock[2] / 1000)
if not T and now + 0 >= e + 0 then return {0, 'session-expired'} end
local function record(key)
  local fields = call('HMGET', key, 'c', 'm', 'q', 'z', 'v', 's', 'a', 'e', 'j', 'o', 'u')
  -- One of an earlier session of this id is none of this one's.
  return fields[11] == made and fields or false
end
