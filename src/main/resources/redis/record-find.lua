-- Looks at an idempotency record, and holds it for a call of several steps if there is none.
--
-- KEYS: 1 record
-- ARGV: 1 hash of the request's body, 2 operation ('' only looks), 3 lease in milliseconds
-- Returns: {1} none there, or now held by the operation | {2, 'version-tag id …'} done
--   | {0, 'key-reused'} | {0, 'key-in-progress'}
local record = redis.call('GET', KEYS[1])
if record then
  local kind, body, rest = string.match(record, '^(%u) (%S+) (.*)$')
  if body ~= ARGV[1] then return {0, 'key-reused'} end
  if kind == 'D' then return {2, rest} end
  if rest ~= ARGV[2] then return {0, 'key-in-progress'} end
end
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], 'P ' .. ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3]) end
return {1}
