-- Reads an answer.
-- KEYS: answer
-- ARGV: none
-- Returns: {} when there is none, else {what is stored, milliseconds it lasts yet, now}
local call, key_answer = redis.call, KEYS[1]
local stored = call('GET', key_answer)
if not stored then return {} end
-- #include clock
return {stored, math.max(0, call('PTTL', key_answer)), now}
