-- Deletes a session. On the tombstone of a delete it changes nothing.
-- KEYS: @write, thread, ids, changes, state, checkpoints, due, turns_due, record?
-- ARGV: @write, frame (the change)
-- Returns: as write; done also {state, random parts of its turns, each with a space after it}
-- #include write
local key_thread, key_ids, key_changes, key_state, key_checkpoints, key_due, key_turns_due = unpack(KEYS, 3, 9)
local frame = ARGV[7]
-- #include retry
-- #include tomb
local why, whose, gone_version, gone_tag = unpack(call('HMGET', key_session, 'g', 'u', 'v', 't'))
if why == 'deleted' then
  local asked = string.match(terms, '^[^\n]*\n[^\n]*\n(.+)$')
  if not asked or asked == whose then return (ended(gone_tag, gone_version, stamp, '')) end
end
-- #include pass
-- #include session
tag, version = new_tag, format('%d', version + 1)
local turns, ids = tomb('deleted', tag, version, user), ''
local state, line = ended(tag, version, created_at, user)
-- #include publish
-- #include remember
return {state, turns}
