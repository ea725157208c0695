-- Adds messages to a session that is being built; it makes no version and publishes nothing.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids
-- ARGV: 1 to 6 as in part-retry (only 3 is used), 7 most bytes, 8 bytes of all bodies
--   and client ids, 9 build, then for each message: client id or '', body, time in milliseconds
-- Returns: as in part-retry | {0, 'session-not-found'} when the build is over
-- #include part-retry
local s = call('HMGET', KEYS[1], 'xp', 'x')
if s[2] ~= ARGV[9] then return {0, 'session-not-found'} end
local t, v, q, c, b, rest = string.match(s[1], '^(%S+) (%d+) (%d+) (%d+) (%d+)( .*)$')
b = b + ARGV[8]
if b > ARGV[7] + 0 then return {0, 'session-too-large'} end
for i = 10, #ARGV, 3 do
  local entry = v .. '-' .. format('%d', q)
  q = q + 1
  c = c + 1
  -- The tag of the building, not this call's: the whole building is one version.
  call('XADD', KEYS[3], entry, 'h', t .. ' ' .. format('%d', q) .. ' ' .. ARGV[i + 2] .. ' ' .. ARGV[i], 'b', ARGV[i + 1])
  if ARGV[i] ~= '' then call('HSET', KEYS[4], ARGV[i], entry) end
end
local state = format('%s %s %d %d %d', t, v, q, c, b) .. rest
call('HSET', KEYS[1], 'xp', state, 'n', format('%d', now + 60000))
return state
