-- The clock, and the idempotency record, the last key if there is one, which is looked at before all else.
-- Reads: call, format, KEYS, retry
-- Leaves: clock, now, stamp (now as text), key_record (nil without a key), body
--
-- Record: 'D <body> <version-tag> <message id> …' done, 'P <body> <operation>' in progress. A message whose id is Heddle's is '-',
-- and one that a client called that is '~-'.
-- #include clock
local stamp, key_record, body = format('%d', now), nil, nil
if retry ~= '' then
  local operation
  key_record = KEYS[#KEYS]
  body, operation = string.match(retry, '^(%S+) (.*)$')
  local record = call('GET', key_record)
  if record then
    local kind, known, rest = string.match(record, '^(%u) (%S+) (.*)$')
    if known ~= body then return {0, 'key-reused'} end
    if kind == 'D' then return {2, rest} end
    if rest ~= operation then return {0, 'key-in-progress'} end
  end
end
