-- Ends a session: removes its data and keeps its hash for 24 h as a tombstone, which tells why the session is gone and lets a new session
-- of that id continue its version numbers.
-- Reads: call, format, now, path, key_session, key_thread, key_ids, key_changes, key_state, key_checkpoints, key_due, key_turns_due
-- Defines: ended (the final state and its line), tomb (removes the data; returns the random parts of the session's turns: their keys are
--   too many to declare, so the caller removes them, or else their own expiry does)
local function ended(tag, version, created_at, user)
  local last_seq, count, bytes, expires_at, updated_at, ttl, status = '0', 0, 0, now, format('%d', now), '0', 'a'
  local keys_until = format('%d', now + KEYS_MORE_MILLIS)
  -- #include pack
  return state, line
end
local function tomb(why, tag, version, user)
  local running, waiting, over = unpack(call('HMGET', key_session, 'T', 'Q', 'E'))
  -- The hash is emptied field by field: while a Cluster slot moves, a removed key cannot be created again.
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
