-- Which turns a session has, and the records of those that are asked for.
--
-- KEYS: 1 session, then turns' records
-- ARGV: 1 owner the session must have ('' for any), 2 bytes of records after which no further one is read
-- Returns: {1, T, Q, E, the time, {record's fields or nil}, …}, perhaps of fewer records than were asked for
--   | {0, code}
-- #include part-turn-read
local answer = {1, T, Q, E, now}
local bytes, room = 0, tonumber(ARGV[2])
for i = 2, #KEYS do
  if bytes >= room then break end
  local fields = record(KEYS[i])
  answer[4 + i] = fields
  if fields then
    for j = 1, 11 do bytes = bytes + #(fields[j] or '') end
  end
end
return answer
