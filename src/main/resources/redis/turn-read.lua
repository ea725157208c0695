-- A turn's record, and events of its log, of one moment.
--
-- KEYS: 1 session, 2 turn's record, 3 turn's log
-- ARGV: 1 owner the session must have ('' for any), 2 seq after which events are wanted, 3 how many,
--   4 bytes of them after which no further one is read
-- Returns: {1, T, Q, E, {record's fields}, seq of the last event, {event entry, …}} | {0, code}
-- #include part-turn-read
local found = record(KEYS[2])
if not found then return {0, 'turn-not-found'} end
local events = {}
local from, want, bytes, room = string.format('%d-0', ARGV[2] + 1), tonumber(ARGV[3]), 0, tonumber(ARGV[4])
-- Few at a time: the next ones may be long, and what is read is paid for.
local few = 8
while #events < want and bytes < room do
  local block = #events > 0 and bytes / #events * few < room and math.min(few, want - #events) or 1
  local some = call('XRANGE', KEYS[3], from, '+', 'COUNT', block)
  for i = 1, #some do
    events[#events + 1] = some[i]
    bytes = bytes + #some[i][2][2]
  end
  if #some < block then break end
  from = '(' .. some[block][1]
end
return {1, T, Q, E, found, call('XLEN', KEYS[3]), events}
