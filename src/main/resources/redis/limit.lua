-- Counts one under every rule of a subject, or under none when one of them has none left.
--
-- KEYS: the rules' counters, all of one subject
-- ARGV: for each counter its limit and its window in milliseconds
-- Returns: for each counter: 1 if it had one left, else 0; its count now; milliseconds its window
--   lasts yet, all of it when none runs
--
-- A window starts with the first one counted and ends with the key, so no clock is read. A counter
-- that would never end, or would end later than the window says by now, is given the window.
local counts, lasts, allowed = {}, {}, true
for i = 1, #KEYS do
  local window = tonumber(ARGV[2 * i])
  local count = tonumber(redis.call('GET', KEYS[i]) or '')
  if count then
    local left = redis.call('PTTL', KEYS[i])
    if left < 0 or left > window then
      redis.call('PEXPIRE', KEYS[i], ARGV[2 * i])
      left = window
    end
    counts[i], lasts[i] = count, left
  else
    counts[i], lasts[i] = 0, -1
  end
  if counts[i] >= tonumber(ARGV[2 * i - 1]) then allowed = false end
end
local answer = {}
for i = 1, #KEYS do
  local had = counts[i] < tonumber(ARGV[2 * i - 1]) and 1 or 0
  if allowed then
    counts[i] = redis.call('INCR', KEYS[i])
    if lasts[i] < 0 then redis.call('PEXPIRE', KEYS[i], ARGV[2 * i]) end
  end
  answer[3 * i - 2], answer[3 * i - 1] = had, counts[i]
  answer[3 * i] = lasts[i] < 0 and tonumber(ARGV[2 * i]) or lasts[i]
end
return answer
