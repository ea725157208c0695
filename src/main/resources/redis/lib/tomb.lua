-- Ends a session: empties it and leaves its hash as a tombstone for 24 h, which says why it is gone and lets a session of that id that
-- starts anew go on counting versions.
-- Reads: call, format, now, path, key_session, key_thread, key_ids, key_changes, key_state, key_checkpoints, key_due, key_turns_due
-- Defines: ended (the state that a write which ends a session answers, and its line), tomb (empties it; the random parts of its turns,
--   whose keys are too many to be declared: whoever is answered removes them, and if it cannot their own expiry does)
local function ended(tag, version, created_at, user)
  local last_seq, count, bytes, expires_at, updated_at, ttl, status = '0', 0, 0, now, format('%d', now), '0', 'a'
  local keys_until = format('%d', now + KEYS_MORE_MILLIS)
  -- #include pack
  return state, line
end
local function tomb(why, tag, version, user)
  local running, waiting, over = unpack(call('HMGET', key_session, 'T', 'Q', 'E'))
  -- The session's hash is emptied, not made anew: while a Cluster slot moves, a key that is gone cannot be made again, and half of
  -- this would be done.
  call('UNLINK', key_thread, key_ids, key_changes, key_state, key_checkpoints)
  local fields = call('HKEYS', key_session)
  call('HSET', key_session, 'v', version, 't', tag, 'g', why, 'u', user)
  for _, field in ipairs(fields) do
    if not string.find(' v t g u ', ' ' .. field .. ' ', 1, true) then call('HDEL', key_session, field) end
  end
  if user == '' then call('HDEL', key_session, 'u') end
  call('PEXPIREAT', key_session, format('%d', now + TOMB_MILLIS))
  call('ZREM', key_due, 'x:' .. path)
  call('ZREM', key_turns_due, path)
  return (running and string.match(running, '^trn_(%w+)') .. ' ' or '') .. (waiting or '') .. (over or '')
end
