-- Adds messages to a session that is being built; it makes no version and publishes nothing.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids
-- ARGV: 1 to 9 as in part-retry (only 1 tag is used), 10 most bytes, 11 bytes of all bodies, 12 build,
--   then for each message: client id or '', body, time in milliseconds
-- Returns: {1, …} as in part-retry | {0, 'session-not-found'} when the build is over
-- #include part-retry
local s = redis.call('HMGET', KEYS[1], 'v', 't', 'q', 'c', 'b', 'e', 'x', 'a')
if s[7] ~= ARGV[12] then return {0, 'session-not-found'} end
local q, c, b = tonumber(s[3]), tonumber(s[4]), s[5] + ARGV[11]
if b > tonumber(ARGV[10]) then return {0, 'session-too-large'} end
for i = 13, #ARGV, 3 do
  local entry = s[1] .. '-' .. string.format('%.0f', q)
  q = q + 1
  c = c + 1
  -- The tag of the building, not this call's: the whole building is one version.
  redis.call('XADD', KEYS[3], entry, 'h', s[2] .. ' ' .. string.format('%.0f', q) .. ' ' .. ARGV[i + 2] .. ' ' .. ARGV[i], 'b', ARGV[i + 1])
  if ARGV[i] ~= '' then redis.call('HSET', KEYS[4], ARGV[i], entry) end
end
redis.call('HSET', KEYS[1], 'q', string.format('%.0f', q), 'c', string.format('%.0f', c), 'b', string.format('%.0f', b), 'n', string.format('%.0f', now + 60000))
return {1, tonumber(s[1]), q, c, b, tonumber(s[6]), now, tonumber(s[8]), 0, '', s[2]}
