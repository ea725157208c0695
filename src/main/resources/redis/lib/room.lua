-- For what adds, and would begin with a write that Redis never refuses: a full Redis would take all of it then.
-- Reads: redis, key_session (which is there)
-- Defines: room (nil while there is memory; else the refusal, to be returned before anything is written)
local function room()
  -- Of all writes that may be refused one that changes nothing.
  local said = redis.pcall('HSETNX', key_session, 'p', '')
  return type(said) == 'table' and said.err and said or nil
end
