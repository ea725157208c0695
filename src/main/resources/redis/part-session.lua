-- Part of every write to a session that is there: is it there and the owner's, who holds it, where is
-- it. Leaves v, t, q, c, b, e, l, k: version, tag, last seq, messages, bytes, expiresAt, TTL in
-- seconds, and when the keys' own expiry is.
local s = redis.call('HMGET', KEYS[1], 'v', 't', 'q', 'c', 'b', 'e', 'l', 'k', 'u', 'w', 'h', 'n', 'g', 'x', 'a')
if not s[1] or s[14] or (ARGV[2] ~= '' and ARGV[2] ~= s[9]) then return {0, 'session-not-found'} end
if s[13] then return {0, 'session-' .. s[13]} end
local v, t, q, c, b, e, l, k = tonumber(s[1]), s[2], tonumber(s[3]), tonumber(s[4]), tonumber(s[5]), tonumber(s[6]), tonumber(s[7]), tonumber(s[8])
if now >= e then return {0, 'session-expired'} end
if s[11] then
  if now >= tonumber(s[12]) then
    -- For ever: a holder that was paused must not come back when somebody's clock jumps.
    redis.call('HDEL', KEYS[1], 'h', 'o', 'n', 'y')
    if ARGV[3] ~= '' then return {0, 'stale-fence'} end
  elseif ARGV[3] == '' then
    return {0, 'session-locked', s[12], now}
  elseif ARGV[3] ~= s[11] then
    return {0, 'stale-fence'}
  end
elseif ARGV[3] ~= '' then
  return {0, 'stale-fence'}
end
if ARGV[4] ~= '' and not string.find(ARGV[4], ' ' .. s[1] .. '-' .. t .. ' ', 1, true) then
  return {0, 'version-conflict', s[1] .. '-' .. t}
end
