-- Keeps an answer in the place of what was there, and ends the claim of whoever computes it.
-- KEYS: answer, claim
-- ARGV: content_type, millis (it lasts), body
-- Returns: {1 if there was one, else 0; now; bytes of the one before; milliseconds it had left}
local call, key_answer, key_claim = redis.call, KEYS[1], KEYS[2]
local content_type, millis, body = unpack(ARGV)
-- #include clock
local before, bytes, left = call('EXISTS', key_answer), call('STRLEN', key_answer), call('PTTL', key_answer)
call('SET', key_answer, string.format('%d', now) .. ' ' .. content_type .. '\n' .. body, 'PX', millis)
call('DEL', key_claim)
return {before, now, bytes, left}
