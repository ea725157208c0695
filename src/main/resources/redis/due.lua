-- Who is due by now in each of several partitions, in this server's clock.
--
-- KEYS: partitions' due times, of one kind
-- ARGV: 1 how many of each at the most
-- Returns: for each a list of its members, the longest due first; or, as text, why it cannot be read
local time = redis.call('TIME')
local now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
local answer = {}
for i = 1, #KEYS do
  local found = redis.pcall('ZRANGEBYSCORE', KEYS[i], '-inf', now, 'LIMIT', 0, ARGV[1])
  answer[i] = found.err or found
end
return answer
