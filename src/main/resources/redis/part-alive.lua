-- Part of every lock script: the session is there, the owner's and alive.
-- KEYS: 1 session
-- ARGV: 1 owner the session must have ('' for any)
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local s = redis.call('HMGET', KEYS[1], 'e', 'u', 'g', 'x', 'h', 'n', 'o', 'f', 'y')
if not s[1] and not s[3] or s[4] or (ARGV[1] ~= '' and ARGV[1] ~= s[2]) then return {0, 'session-not-found'} end
if s[3] then return {0, 'session-' .. s[3]} end
if now >= tonumber(s[1]) then return {0, 'session-expired'} end
if s[5] and now >= tonumber(s[6]) then
  redis.call('HDEL', KEYS[1], 'h', 'o', 'n', 'y')
  s[5] = false
end
