-- Removes an answer, and ends the claim of whoever computes it.
-- KEYS: answer, claim
-- ARGV: none
-- Returns: {1 if there was one, else 0; now; bytes it had; milliseconds it had left}
local call, key_answer, key_claim = redis.call, KEYS[1], KEYS[2]
-- #include clock
local bytes, left = call('STRLEN', key_answer), call('PTTL', key_answer)
call('DEL', key_claim)
return {call('DEL', key_answer), now, bytes, left}
