-- Part of every read: is the session there and the owner's, and is it at the position asked for.
--
-- KEYS: 1 session, 2 thread, 3 client ids, 4 changes
-- ARGV: 1 owner the session must have ('' for any), 2 version that must be reached ('' for any),
--   3 its tag
-- Returns: {1, now, {state, turn, description}, more…} | {0, code}
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
now = now - now % 1
local s = redis.call('HMGET', KEYS[1], 'p', 'T', 'd', 'u', 'g')
if not s[1] then
  if not s[5] or (ARGV[1] ~= '' and ARGV[1] ~= s[4]) then return {0, 'session-not-found'} end
  return {0, 'session-' .. s[5]}
end
local t, v, e, owner = string.match(s[1], '^(%S+) (%d+) %d+ %d+ %d+ (%d+) %d+ %d+ %S+ %d+ %d+ (.*)$')
if ARGV[1] ~= '' and ARGV[1] ~= owner then return {0, 'session-not-found'} end
if now >= e + 0 then return {0, 'session-expired'} end
if s[2] then s[2] = string.match(s[2], '^%S+') end
if ARGV[2] ~= '' then
  local asked, version = tonumber(ARGV[2]), tonumber(v)
  if asked > version then return {0, 'position-lost'} end
  if asked == version then
    if ARGV[3] ~= t then return {0, 'position-lost'} end
  else
    -- In the thread or among the changes; trimmed from both, nobody can tell, and it is old enough.
    local entry = redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2], 'COUNT', 1)[1]
    local tag = entry and string.match(entry[2][2], '^%S+')
    if not entry then
      entry = redis.call('XRANGE', KEYS[4], ARGV[2], ARGV[2], 'COUNT', 1)[1]
      tag = entry and entry[2][2]
    end
    if tag and tag ~= ARGV[3] then return {0, 'position-lost'} end
  end
end
s[4], s[5] = nil, nil
