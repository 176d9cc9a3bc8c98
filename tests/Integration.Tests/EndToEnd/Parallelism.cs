using Xunit.v3;

// Each class runs whole gateways of its own; more than two at once only wait for one another.
[assembly: Parallelization(MaxThreads = 2)]
