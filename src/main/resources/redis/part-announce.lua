-- Part of every write but the append: slides the session, counts the partition's change, publishes it
-- and keeps the idempotency record. Expects v, q, c, b, e, tag of the version before in t.
--
-- Published: 'seq prevTag tag tenant/id version lastSeq messageCount bytes expiresAt updatedAt' and,
-- after one more space, the change (see append.lua for '+'), or nothing when it is too long.
local function announce(version, previous, frame)
  redis.call(ARGV[7], ARGV[6], string.format('%.0f %s %s %s %s %.0f %.0f %.0f %.0f %.0f ', redis.call('HINCRBY', KEYS[2], 'seq', 1), previous, ARGV[1], ARGV[5], version, q, c, b, e, now) .. frame)
  if ARGV[8] ~= '' then
    redis.call('SET', KEYS[#KEYS], 'D ' .. ARGV[8] .. ' ' .. version .. '-' .. ARGV[1], 'PX', 86400000)
  end
end
