-- A turn's record, and events of its log, of one moment.
--
-- KEYS: 1 session, 2 turn's record, 3 turn's log
-- ARGV: 1 owner the session must have ('' for any), 2 seq after which events are wanted, 3 how many
-- Returns: {1, T, Q, E, {record's fields}, seq of the last event, {event entry, …}} | {0, code}
-- #include part-turn-read
local found = record(KEYS[2])
if not found then return {0, 'turn-not-found'} end
local events = {}
if ARGV[3] ~= '0' then
  events = call('XRANGE', KEYS[3], string.format('%d-0', ARGV[2] + 1), '+', 'COUNT', ARGV[3])
end
return {1, T, Q, E, found, call('XLEN', KEYS[3]), events}
