-- See what there is to do.
-- Parameters: KEYS[1] the namespace; ARGV now, forget what ended at or before, bury before, prune firings before
-- Result: numbers of lapsed owners, owners given up that still hold something, messages past their expires, runs to be
--   forgotten, gates that have turned, traces to be swept up
-- State: unchanged
-- Safe: reads only
local K, now = KEYS[1], ARGV[1]
local function upto(key, score) return redis.call('ZCOUNT', K .. key, '-inf', score) end
return {
  upto('leases', now),
  redis.call('SCARD', K .. 'owing'),
  upto('exp', now),
  upto('end', ARGV[2]) + upto('endk', now),
  redis.call('SCARD', K .. 'turned'),
  upto('graves', ARGV[3]) + upto('fires', ARGV[4]) + upto('notex', now) + upto('full', now),
}
