-- Counts one under every rule of a subject, or under none when one of them has none left.
-- KEYS: counter* (the rules', all of one subject)
-- ARGV: [limit, window (milliseconds)]* (of each counter); for a lease then most? (how many it is at most), leased* (for each counter, up to
--   which count more than one may be leased)
-- Returns: for each counter: 1 if it had one left, else 0; its count now; milliseconds its window lasts yet, all of it when none runs; then,
--   for a lease, how many were counted under every rule
--
-- It counts first and takes back what was not allowed, because nearly all of it is. A window starts with the first one counted and ends with
-- the key, so no clock is read. A counter that would never end, or would end later than the window says by now, is given the window.
--
-- On a full Redis the counters that are there go on; one that is not is not made, and nothing is counted.
local call, KEYS, ARGV = redis.call, KEYS, ARGV
local key_first, first_window, most = KEYS[1], ARGV[2], ARGV[2 * #KEYS + 1]
local answer, made, allowed = {}, {}, true
local once = redis.pcall('INCR', key_first)
if type(once) == 'table' then
  for i = 1, #KEYS do
    if call('EXISTS', KEYS[i]) == 0 then return once end
  end
  -- Cannot grow, so it passes, and with it what follows. It says what is so already.
  local left = call('PTTL', key_first)
  call('PEXPIRE', key_first, left < 0 and first_window or math.max(left, 1))
  once = call('INCR', key_first)
end
for i = 1, #KEYS do
  local count, window = i == 1 and once or call('INCR', KEYS[i]), ARGV[2 * i] + 0
  local left = call('PTTL', KEYS[i])
  if left < 0 or left > window then
    call('PEXPIRE', KEYS[i], ARGV[2 * i])
    -- A counter that was given back to 0 keeps its window; only one that is new goes again below.
    made[i] = left < 0 and count == 1
    left = window
  end
  local had = 1
  if count > ARGV[2 * i - 1] + 0 then had, allowed = 0, false end
  answer[3 * i - 2], answer[3 * i - 1], answer[3 * i] = had, count, left
end
if not allowed then
  for i = 1, #KEYS do
    answer[3 * i - 1] = call('DECR', KEYS[i])
    if made[i] then call('DEL', KEYS[i]) end
  end
  if most then answer[3 * #KEYS + 1] = 0 end
elseif most then
  local more = most - 1
  for i = 1, #KEYS do more = math.min(more, ARGV[2 * #KEYS + 1 + i] - answer[3 * i - 1]) end
  more = math.max(more, 0)
  if more > 0 then
    local by = string.format('%d', more)
    for i = 1, #KEYS do answer[3 * i - 1] = call('INCRBY', KEYS[i], by) end
  end
  answer[3 * #KEYS + 1] = 1 + more
end
return answer
