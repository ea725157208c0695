-- Ends a session that has expired by this server's clock, or removes one that was left half built.
-- KEYS: @write, thread, ids, changes, state, checkpoints, due, turns_due
-- ARGV: @write (terms and retry are not used), frame (the change)
-- Returns: as delete | {0, 'version-conflict'} it has not expired: its due time is corrected, or put off while a turn
--   runs | {0, 'session-not-found'} nothing is there: its due time is removed
-- #include write
local key_thread, key_ids, key_changes, key_state, key_checkpoints, key_due, key_turns_due = unpack(KEYS, 3, 9)
local frame = ARGV[7]
-- #include retry
-- #include pass
local living, building, build_until, built, last_version, last_tag, gone, former, running =
  unpack(call('HMGET', key_session, 'p', 'x', 'n', 'xp', 'xv', 'xt', 'xg', 'xu', 'T'))
if not living and not building then
  call('ZREM', key_due, 'x:' .. path)
  call('ZREM', key_turns_due, path)
  return {0, 'session-not-found'}
end
local packed = living or built
-- #include parse
-- #include parse_rest
-- #include tomb
if building then
  if now < build_until + 0 then
    call('ZADD', key_due, build_until, 'x:' .. path)
    return {0, 'version-conflict'}
  end
  if last_version then
    tomb(gone, last_tag, last_version, former)
  else
    call('UNLINK', key_session, key_thread, key_ids, key_changes, key_state, key_checkpoints)
    call('ZREM', key_due, 'x:' .. path)
  end
  return (ended(tag, version, created_at, user))
end
if now < expires_at + 0 then
  call('ZADD', key_due, expires_at, 'x:' .. path)
  -- A due time is never later than any expiry that the session had, so it comes before the keys expire: the last chance to keep them.
  local before = keys_until
  -- #include keep_keys
  if keys_until ~= before then
    -- #include repack
    call('HSET', key_session, 'p', state)
  end
  return {0, 'version-conflict'}
end
if running then
  call('ZADD', key_due, format('%d', now + LEASE_MARGIN_MILLIS), 'x:' .. path)
  return {0, 'version-conflict'}
end
local previous = tag
tag, version = new_tag, format('%d', version + 1)
local turns = tomb('expired', tag, version, user)
local state, line = ended(tag, version, created_at, user)
-- #include publish
return {state, turns}
