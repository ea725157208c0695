-- Part of what adds, and would begin with a write that Redis never refuses: a full Redis would take
-- all of it then.
--
-- room() is nil while there is memory; else the refusal, to be returned before anything is written.
--
-- KEYS: 1 session, which is there
local function room()
  -- Of all writes that may be refused one that changes nothing.
  local said = redis.pcall('HSETNX', KEYS[1], 'p', '')
  return type(said) == 'table' and said.err and said or nil
end
