-- Counts what was not used no more, each counter only in the window it was counted in.
-- KEYS: counter* (the rules', all of one subject)
-- ARGV: [left (milliseconds its window should last yet), near (how far from that it may be), unused (how many to take from it; never more
--   than it counts)]*
-- Returns: for each counter 1 if it was lowered, else 0
local call, answer = redis.call, {}
for i = 1, #KEYS do
  local left = call('PTTL', KEYS[i])
  local count = tonumber(call('GET', KEYS[i]) or '')
  answer[i] = 0
  if left >= 0 and count and count > 0 and math.abs(left - tonumber(ARGV[3 * i - 2])) <= tonumber(ARGV[3 * i - 1]) then
    -- Passes on a full Redis, which refuses the next one otherwise. It says what is so already.
    call('PEXPIRE', KEYS[i], math.max(left, 1))
    call('DECRBY', KEYS[i], string.format('%d', math.min(count, tonumber(ARGV[3 * i]))))
    answer[i] = 1
  end
end
return answer
