-- Takes the session's lock for a client.
--
-- KEYS: 1 session
-- ARGV: 1 owner the session must have ('' for any), 2 TTL in milliseconds, 3 random part of the token,
--   4 label or ''
-- Returns: {1, token, fence, until, now} | {0, code} | {0, 'session-locked', until, now}
-- #include part-alive
if s[5] then return {0, 'session-locked', s[6], now} end
local fence = redis.call('HINCRBY', KEYS[1], 'f', 1)
local token = string.format('%.0f', fence) .. '-' .. ARGV[3]
local ends = now + ARGV[2]
redis.call('HSET', KEYS[1], 'h', token, 'o', 'c', 'n', string.format('%.0f', ends), 'y', ARGV[4])
if ends + 10000 > tonumber(s[1]) then redis.call('HSET', KEYS[1], 'e', string.format('%.0f', ends + 10000)) end
return {1, token, fence, ends, now}
