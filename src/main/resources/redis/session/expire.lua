-- Ends a session whose time has come, in this server's clock; or removes one left half built.
-- KEYS: @write, thread, ids, changes, state, checkpoints, due, turns_due
-- ARGV: @write (terms and retry are not used), frame (the change)
-- Returns: as delete | {0, 'version-conflict'} it is not its time; its due time is moved to the truth, and of one with a running turn a
--   little away, until that is ended | {0, 'session-not-found'} nothing is there; its due time is removed
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
  -- A due time is never after an end that the session had, and so comes before its keys' expiry: what a write could not move, and nobody
  -- asked for since, is moved now.
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
