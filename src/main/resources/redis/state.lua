-- Replaces the state document and keeps it as a checkpoint; or saves an older checkpoint's again.
--
-- KEYS: 1 session, 2 partition, 3 changes, 4 state, 5 checkpoints, [6 record]
-- ARGV: 1 to 9 as in part-retry, 10 document ('' to restore), 11 version of the checkpoint to restore
--   ('' for the newest), 12 its tag, 13 most checkpoints, 14 most bytes of them, 15 change
-- Returns: as in part-retry
--   | {0, 'checkpoint-not-found'}
-- #include part-retry
-- #include part-session
-- #include part-announce
local document = ARGV[10]
if document == '' then
  local found
  if ARGV[11] == '' then
    found = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)[1]
  else
    found = redis.call('XRANGE', KEYS[5], ARGV[11] .. '-0', ARGV[11] .. '-0')[1]
    if found and found[2][2] ~= ARGV[12] then found = nil end
  end
  if not found then return {0, 'checkpoint-not-found'} end
  document = found[2][6]
end
v = v + 1
e = now + l * 1000
local version, stamp = string.format('%.0f', v), string.format('%.0f', now)
local kept = tonumber(redis.call('HGET', KEYS[4], 'b') or 0) + #document
redis.call('XADD', KEYS[5], version .. '-0', 't', ARGV[1], 'z', stamp, 'b', document)
local count = redis.call('XLEN', KEYS[5])
while count > 1 and (count > tonumber(ARGV[13]) or kept > tonumber(ARGV[14])) do
  local oldest = redis.call('XRANGE', KEYS[5], '-', '+', 'COUNT', 1)[1]
  kept = kept - #oldest[2][6]
  redis.call('XDEL', KEYS[5], oldest[1])
  count = count - 1
end
redis.call('HSET', KEYS[4], 'd', document, 'v', version, 't', ARGV[1], 'z', stamp, 'b', string.format('%.0f', kept))
redis.call('HSET', KEYS[1], 'v', version, 't', ARGV[1], 'e', string.format('%.0f', e), 'z', stamp)
redis.call('XADD', KEYS[3], 'MAXLEN', 256, version .. '-0', 't', ARGV[1], 'z', stamp, 'c', ARGV[15])
if k < e then k = e end
redis.call('PEXPIREAT', KEYS[4], string.format('%.0f', k))
redis.call('PEXPIREAT', KEYS[5], string.format('%.0f', k))
announce(version, t, ARGV[15])
return {1, v, q, c, b, e, now, tonumber(s[15]), e + 86400000 > k and 1 or 0, s[9] or ''}
