-- Which turns a session has, and the records of those that are asked for.
--
-- KEYS: 1 session, then turns' records
-- ARGV: 1 owner the session must have ('' for any)
-- Returns: {1, T, Q, E, {record's fields or nil}, …} | {0, code}
-- #include part-turn-read
local answer = {1, T, Q, E}
for i = 2, #KEYS do
  answer[3 + i] = record(KEYS[i])
end
return answer
