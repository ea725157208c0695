-- Who is due by now in each of several partitions, in this server's clock.
-- KEYS: due* (partitions' due times, of one kind)
-- ARGV: most (of each)
-- Returns: for each a list of its members, the longest due first; or, as text, why it cannot be read
local call, most = redis.call, ARGV[1]
-- #include clock
local answer, till = {}, string.format('%d', now)
for i = 1, #KEYS do
  local found = redis.pcall('ZRANGEBYSCORE', KEYS[i], '-inf', till, 'LIMIT', 0, most)
  answer[i] = found.err or found
end
return answer
