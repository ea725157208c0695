-- The counters of several partitions, at one moment.
-- KEYS: partition*
-- ARGV: none
-- Returns: for each its counter, '0' when it has none yet
local answer = {}
for i = 1, #KEYS do answer[i] = redis.call('HGET', KEYS[i], 'seq') or '0' end
return answer
