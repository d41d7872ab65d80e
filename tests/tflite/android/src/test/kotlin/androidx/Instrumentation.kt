// Robolectric reports to androidx.test:monitor, which Google's Maven repository alone has. This file and its neighbours
// stand in for it: the few classes that Robolectric 4.17 calls, doing what its own tests of an activity need and no more.
package androidx.test.platform.app

import android.app.Instrumentation
import android.os.Bundle

object InstrumentationRegistry {
    private var current: Instrumentation? = null

    @JvmStatic
    fun registerInstance(instrumentation: Instrumentation?, arguments: Bundle?) {
        current = instrumentation
    }

    @JvmStatic
    fun getInstrumentation(): Instrumentation = checkNotNull(current) { "No test runs." }
}
