-- Adds messages at the end of the thread, all in one version.
--
-- KEYS: 1 session, 2 partition, 3 thread, 4 client ids, [5 record]
-- ARGV: 1 to 9 as in part-retry, 10 most bytes a session may have, 11 bytes of all bodies,
--   12 '1' to publish the bodies, then for each message: client id or '', body
-- Returns: as in part-retry; refused also {0, 'message-exists', id}
--
-- It declares only keys that exist from create on (but the record of an idempotency key): while a
-- Cluster slot moves, one absent declared key would refuse the whole append.
-- #include part-retry
-- #include part-session
if s[10] == 'c' then return {0, 'session-complete'} end
local last = #ARGV
for i = 13, last, 2 do
  if ARGV[i] ~= '' then
    local at = redis.call('HGET', KEYS[4], ARGV[i])
    if at and #redis.call('XRANGE', KEYS[3], at, at) > 0 then return {0, 'message-exists', ARGV[i]} end
  end
end
b = b + ARGV[11]
if b > tonumber(ARGV[10]) then return {0, 'session-too-large'} end

v = v + 1
local version, stamp = string.format('%.0f', v), string.format('%.0f', now)
local ids, frame = '', ''
for i = 13, last, 2 do
  local entry = version .. '-' .. ((i - 13) / 2)
  q = q + 1
  c = c + 1
  redis.call('XADD', KEYS[3], entry, 'h', ARGV[1] .. ' ' .. string.format('%.0f', q) .. ' ' .. stamp .. ' ' .. ARGV[i], 'b', ARGV[i + 1])
  if ARGV[i] ~= '' then redis.call('HSET', KEYS[4], ARGV[i], entry) end
  if ARGV[8] ~= '' then ids = ids .. ' ' .. (ARGV[i] ~= '' and ARGV[i] or '-') end
  if ARGV[12] == '1' then frame = frame .. ' ' .. #ARGV[i] .. ' ' .. #ARGV[i + 1] .. ' ' .. ARGV[i] .. ARGV[i + 1] end
end
e = now + l * 1000
redis.call('HSET', KEYS[1], 'v', version, 't', ARGV[1], 'q', string.format('%.0f', q), 'c', string.format('%.0f', c), 'b', string.format('%.0f', b), 'e', string.format('%.0f', e), 'z', stamp)
if ARGV[8] ~= '' then
  redis.call('SET', KEYS[#KEYS], 'D ' .. ARGV[8] .. ' ' .. version .. '-' .. ARGV[1] .. ids, 'PX', 86400000)
end
redis.call(ARGV[7], ARGV[6], string.format('%.0f %s %s %s %s %.0f %.0f %.0f %.0f %s +%d', redis.call('HINCRBY', KEYS[2], 'seq', 1), t, ARGV[1], ARGV[5], version, q, c, b, e, stamp, (last - 12) / 2) .. frame)
return {1, v, q, c, b, e, now, tonumber(s[15]), e + 86400000 > k and 1 or 0, s[9] or ''}
