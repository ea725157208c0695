-- Publishes the partition's change: 'seq prevTag tag tenant/id version lastSeq messageCount bytes expiresAt updatedAt' and, after
-- one more space, the change (see thread/append for '+'), or nothing when it is too long.
-- Reads: call, format, publish, channel, key_partition, previous, tag, path, line, frame
call(publish, channel, format('%d ', call('HINCRBY', key_partition, 'seq', '1')) .. previous .. ' ' .. tag .. ' ' .. path .. ' ' .. line ..
  ' ' .. frame)
