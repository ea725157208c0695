-- Replaces a session's description; the last step of a patch.
--
-- KEYS: 1 session, 2 partition, 3 changes, 4 due, [5 record]
-- ARGV: 1 to 6 as in part-retry, 7 description, 8 TTL in seconds, 9 'a' or 'c', 10 change as it is
--   kept, 11 change as it is published
-- Returns: as in part-retry; done also {state, description, the running turn or ''}
-- #include part-retry
-- #include part-session
-- #include part-announce
-- #include part-keep
-- The owner stays. Quotes inside of it are escaped, so what ends it here is not a part of it.
local named = string.match(call('HGET', KEYS[1], 'd'), '^{"user":(.-),"title":')
local described = '{"user":' .. named .. string.match(ARGV[7], ',"title":.*$')
v = v + 1
e = now + ARGV[8] * 1000
if e < least then e = least end
local line = format('%d %s %s %s %d %d', v, q, c, b, e, now)
local state = ARGV[1] .. ' ' .. line .. ' ' .. ARGV[8] .. ' ' .. ARGV[9] .. string.sub(w, 2) .. string.match(tail, '^ %d+ %S+( .*)$')
call('HSET', KEYS[1], 'p', state, 'd', described)
state = lasting(state)
call('XADD', KEYS[3], 'MAXLEN', 256, format('%d-0', v), 't', ARGV[1], 'z', format('%d', now), 'c', ARGV[10])
-- A shorter life: the due time must never be after the truth.
call('ZADD', KEYS[4], 'LT', format('%d', e), 'x:' .. ARGV[4])
announce(t, line, ARGV[11])
return {state, described, turn or ''}
