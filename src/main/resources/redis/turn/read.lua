-- A turn's record, and events of its log, of one moment.
-- KEYS: session, turn (its record), log
-- ARGV: owner ('' for any), after (seq after which events are wanted), want (how many), room (bytes of them after which no further one is
--   read)
-- Returns: {1, T, Q, E, {record's fields}, seq of the last event, {event entry, …}} | {0, code}
local key_session, key_turn, key_log = unpack(KEYS)
local owner, after, want, room = unpack(ARGV)
-- #include turn_read
local found = record(key_turn)
if not found then return {0, 'turn-not-found'} end
local events, from, size = {}, string.format('%d-0', after + 1), 0
want, room = tonumber(want), tonumber(room)
-- Few at a time: the next ones may be long, and what is read is paid for.
local few = 8
while #events < want and size < room do
  local block = #events > 0 and size / #events * few < room and math.min(few, want - #events) or 1
  local some = call('XRANGE', key_log, from, '+', 'COUNT', block)
  for i = 1, #some do
    events[#events + 1] = some[i]
    size = size + #some[i][2][2]
  end
  if #some < block then break end
  from = '(' .. some[block][1]
end
return {1, running, waiting, ended, found, call('XLEN', key_log), events}
