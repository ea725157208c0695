-- Makes a client's lock last from now on.
--
-- KEYS: 1 session
-- ARGV: 1 owner the session must have ('' for any), 2 token, 3 TTL in milliseconds
-- Returns: {1, token, fence, until, now, label} | {0, code} | {0, 'stale-fence'}
-- #include part-alive
if s[5] ~= ARGV[2] or s[7] ~= 'c' then return {0, 'stale-fence'} end
local ends = now + ARGV[3]
redis.call('HSET', KEYS[1], 'n', string.format('%.0f', ends))
if ends + 10000 > tonumber(s[1]) then redis.call('HSET', KEYS[1], 'e', string.format('%.0f', ends + 10000)) end
return {1, s[5], tonumber(s[8]), ends, now, s[9] or ''}
