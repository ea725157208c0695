-- Part of every write but the append: publishes the partition's change and keeps the idempotency
-- record. Expects v, the new version.
--
-- Published: 'seq prevTag tag tenant/id version lastSeq messageCount bytes expiresAt updatedAt' and,
-- after one more space, the change (see append.lua for '+'), or nothing when it is too long.
-- line is the state from version to updatedAt.
local function announce(previous, line, frame)
  call(ARGV[6], ARGV[5], format('%d ', call('HINCRBY', KEYS[2], 'seq', '1')) .. previous .. ' ' .. ARGV[1] .. ' ' .. ARGV[4] .. ' ' .. line .. ' ' .. frame)
  if body ~= '' then
    call('SET', KEYS[#KEYS], 'D ' .. body .. ' ' .. format('%d', v) .. '-' .. ARGV[1], 'PX', 86400000)
  end
end
