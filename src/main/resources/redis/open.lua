-- Publishes a session that was built in steps: the one version of the whole building.
--
-- KEYS: 1 session, 2 partition, 3 changes, 4 due, [5 record]
-- ARGV: 1 to 6 as in part-retry, 7 build, 8 change
-- Returns: as in part-retry; the tag is the building's | {0, 'session-not-found'} when the build is over
-- #include part-retry
-- #include part-keep
local s = call('HMGET', KEYS[1], 'xp', 'x', 'd', 'xt')
if s[2] ~= ARGV[7] then return {0, 'session-not-found'} end
local t, v, counts, tail, l = string.match(s[1], '^(%S+) (%d+)( %d+ %d+ %d+ )%d+ %d+( (%d+) .*)$')
local e, stamp = format('%d', now + l * 1000), format('%d', now)
local line = v .. counts .. e .. ' ' .. stamp
call('HSET', KEYS[1], 'p', t .. ' ' .. line .. tail)
call('HDEL', KEYS[1], 'x', 'xp', 'n', 'xv', 'xt', 'xg', 'xu')
local state = lasting(t .. ' ' .. line .. tail)
call('XADD', KEYS[3], v .. '-0', 't', t, 'z', stamp, 'c', ARGV[8])
call('ZADD', KEYS[4], e, 'x:' .. ARGV[4])
call(ARGV[6], ARGV[5], format('%d ', call('HINCRBY', KEYS[2], 'seq', '1')) .. (s[4] or '-') .. ' ' .. t .. ' ' .. ARGV[4] .. ' ' .. line .. ' ' .. ARGV[8])
if body ~= '' then
  call('SET', KEYS[#KEYS], 'D ' .. body .. ' ' .. v .. '-' .. t, 'PX', 86400000)
end
return {state, s[3]}
