-- Makes a session with its first messages, or takes its id for one that is built in steps.
-- KEYS: @write, thread, ids, changes, state, checkpoints, due, record?
-- ARGV: @write, max_bytes (of a session), bytes (of all bodies and client ids), user (the owner, or ''), description, ttl (seconds),
--   status ('a' or 'c'), build ('' or its name, when it is built in steps), change, [id, body]*
-- Returns: as write
-- #include write
local key_thread, key_ids, key_changes, key_state, key_checkpoints, key_due = unpack(KEYS, 3, 8)
local max_bytes, bytes, user, description, ttl, status, build, change = unpack(ARGV, 7, 14)
-- #include retry
local packed, building, build_until, last_version, last_tag, gone, former = unpack(call('HMGET', key_session, 'p', 'x', 'n', 'v', 't', 'g', 'u'))
local ends = building and build_until
if not building and packed then
  -- #include parse
  ends = expires_at
end
if ends then
  if now < ends + 0 then return {0, 'session-exists'} end
  return {3}
end
if terms ~= '' then
  local lock, match = string.match(terms, '^([^\n]*)\n([^\n]*)\n')
  if lock ~= '' then return {0, 'stale-fence'} end
  if match ~= '' then return {0, 'version-conflict'} end
end
if bytes + 0 > max_bytes + 0 then return {0, 'session-too-large'} end

-- First what a full Redis refuses: an UNLINK before it would let all that follows pass.
local tag, version, last_seq, count = new_tag, format('%d', (last_version or 0) + 1), '0', (#ARGV - 14) / 2
local updated_at, created_at, expires_at = stamp, stamp, now + ttl * 1000
local keys_until, build_ends = format('%d', expires_at + KEYS_MORE_MILLIS), format('%d', now + BUILD_MILLIS)
call('ZADD', key_due, build == '' and format('%d', expires_at) or build_ends, 'x:' .. path)
-- A tombstone's keys are gone; what a lost expiry of a key could have left goes here.
call('UNLINK', key_session, key_thread, key_ids, key_changes, key_state, key_checkpoints)
call('HSET', key_ids, '~', '')
call('XADD', key_thread, '0-1', '~', '')
call('XDEL', key_thread, '0-1')
local ids = ''
for i = 15, #ARGV, 2 do
  local id, text, entry = ARGV[i], ARGV[i + 1], version .. '-' .. last_seq
  last_seq = format('%d', last_seq + 1)
  -- #include add_message
end
-- #include pack
call('HSET', key_session, build == '' and 'p' or 'xp', state, 'f', 0, 'd', description)
if build ~= '' then
  -- While it is built, 'n' is when whoever builds it is taken for dead; what was there comes back then.
  call('HSET', key_session, 'x', build, 'n', build_ends)
  if gone then call('HSET', key_session, 'xv', last_version, 'xt', last_tag, 'xg', gone, 'xu', former or '') end
  call('XADD', key_changes, '0-1', '~', '')
  call('XDEL', key_changes, '0-1')
else
  call('XADD', key_changes, version .. '-0', 't', tag, 'z', stamp, 'c', change)
end
for _, key in ipairs({key_session, key_thread, key_ids, key_changes}) do call('PEXPIREAT', key, keys_until) end
if build == '' then
  local previous, frame = last_tag or '-', change
  -- #include publish
  -- #include remember
end
return {state, description}
