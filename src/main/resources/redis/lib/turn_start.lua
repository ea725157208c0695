-- Starts a turn: adds its input and gives the turn its lease, in one version.
-- Reads: what write, turn, retry, session and turn_write leave, lease_millis, given (messages), message (their ids and bodies), head
-- Leaves: updated_at, names, sizes, said, lease, state
-- #include advance
local names, sizes, said = add_messages(given, message)
local lease = now + lease_millis
if expires_at < lease + LEASE_MARGIN_MILLIS then expires_at = lease + LEASE_MARGIN_MILLIS end
call('HSET', key_session, 'T', format('%s 1 %d - 0 %s %s %d %d ', turn_id, lease, tag, version, given, lease))
status = string.gsub(status, '^%a', '%0+')
set_due(lease)
local state = commit_change(head, given, sizes, said)
call('HSET', key_turn, 'w', state, 'z', stamp, 'v', version .. '-' .. tag .. names)
