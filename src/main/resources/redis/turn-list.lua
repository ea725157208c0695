-- Which turns a session has, and the records of those that are asked for.
--
-- KEYS: 1 session, then turns' records
-- ARGV: 1 owner the session must have ('' for any)
-- Returns: {1, T, Q, E, the time, {record's fields or nil}, …} | {0, code}
-- #include part-turn-read
local answer = {1, T, Q, E, now}
for i = 2, #KEYS do
  answer[4 + i] = record(KEYS[i])
end
return answer
