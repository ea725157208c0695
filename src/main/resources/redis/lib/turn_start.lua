-- Starts a turn: adds its input and gives it the session's lease, in one version.
-- Reads: what turn, retry, session and turn_write leave, lease_millis, given (messages), message (their ids and bodies), head
-- Leaves: names, sizes, said, lease, state
-- #include advance
local names, sizes, said = say(given, message)
local lease = now + lease_millis
if expires_at < lease + LEASE_MARGIN_MILLIS then expires_at = lease + LEASE_MARGIN_MILLIS end
call('HSET', key_session, 'T', format('%s 1 %d - 0 %s %s %d %d ', turn_id, lease, tag, version, given, lease))
status = string.gsub(status, '^%a', '%0+')
due(lease)
local state = tell(head, given, sizes, said)
call('HSET', key_turn, 'w', state, 'z', stamp, 'v', version .. '-' .. tag .. names)
