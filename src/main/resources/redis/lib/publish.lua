-- Publishes the change to the partition's channel: 'seq prevTag tag tenant/id version lastSeq messageCount bytes expiresAt updatedAt',
-- a space, and the change (thread/append explains '+') or nothing when it is too long.
-- Reads: call, format, publish, channel, key_partition, previous, tag, path, line, frame
call(publish, channel, format('%d ', call('HINCRBY', key_partition, 'seq', '1')) .. previous .. ' ' .. tag .. ' ' .. path .. ' ' .. line ..
  ' ' .. frame)
