-- Which turns a session has, and the records of those that are asked for.
-- KEYS: session, turn* (their records)
-- ARGV: owner ('' for any), room (bytes of records after which no further one is read)
-- Returns: {1, T, Q, E, the time, {record's fields or nil}, …}, perhaps of fewer records than were asked for | {0, code}
local key_session = KEYS[1]
local owner, room = unpack(ARGV)
-- #include turn_read
local answer, size = {1, running, waiting, ended, string.format('%d', now)}, 0
for i = 2, #KEYS do
  if size >= tonumber(room) then break end
  local fields = record(KEYS[i])
  answer[4 + i] = fields
  if fields then
    for j = 1, 11 do size = size + #(fields[j] or '') end
  end
end
return answer
