-- Looks at an idempotency record, and holds it for a call of several steps if there is none.
-- KEYS: record
-- ARGV: body (hash of the request's), operation ('' only looks), lease_millis
-- Returns: {1} none there, or now held by the operation | {2, 'version-tag id …'} done | {0, 'key-reused'} | {0, 'key-in-progress'}
local key_record = KEYS[1]
local body, operation, lease_millis = unpack(ARGV)
local record = redis.call('GET', key_record)
if record then
  local kind, known, rest = string.match(record, '^(%u) (%S+) (.*)$')
  if known ~= body then return {0, 'key-reused'} end
  if kind == 'D' then return {2, rest} end
  if rest ~= operation then return {0, 'key-in-progress'} end
end
if operation ~= '' then redis.call('SET', key_record, 'P ' .. body .. ' ' .. operation, 'PX', lease_millis) end
return {1}
