using Xunit.v3;

// One browser and one gateway for them all: more at once would only wait for one another.
[assembly: Parallelization(MaxThreads = 2)]
[assembly: AssemblyFixture(typeof(Countersign.Console.Tests.ConsoleWorld))]
