package org.crosswind.app

import android.content.pm.PackageManager
import android.view.View
import android.widget.Spinner
import android.widget.Switch
import android.widget.TextView
import android.widget.Toolbar
import java.text.NumberFormat
import org.crosswind.app.FormPage.Companion.all
import org.crosswind.app.model.Task
import org.crosswind.app.model.Widget
import org.crosswind.app.model.figure
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

/** The screen of the app with the published model, on the oldest Android that it runs on and on a new one. */
@RunWith(ScreenTestRunner::class)
@App("target/screens.apk")
@Config(sdk = [24, 35], qualifiers = "w360dp-h740dp-xhdpi")
class MainActivityTest {
    private val controller = Robolectric.buildActivity(MainActivity::class.java).setup()
    private val activity: MainActivity get() = controller.get()
    private val page get() = FormPage(activity)
    private val percent = NumberFormat.getPercentInstance()

    private fun color(id: Int): Int = activity.getColor(id)

    private fun resultColor(): Int = activity.findViewById<View>(R.id.result).backgroundTintList!!.defaultColor

    @Test
    fun `a row that is filled in by hand gets the answer that Python gives`() {
        val rows = Published.rows("evaluation").sortedBy { it.second.first() }
        val tried = rows.filterIndexed { index, _ -> index % 20 == 0 } + rows.last()
        val answers = tried.map { (row, score) ->
            page.enter(row)
            assertFalse("an answer that belongs to other values", page.shows(R.id.result))
            page.tap(R.id.predict)
            assertTrue(page.shows(R.id.result))
            val (lines, color) = answer(score)
            assertEquals(lines, page.answer())
            assertEquals(color(color), resultColor())
            lines
        }
        assertTrue("more than one answer", answers.toSet().size > 1)
        if (Published.card.task is Task.Binary) {
            val verdicts = rows.map { answer(it.second).first.first() }.toSet()
            assertEquals("every verdict that the model gives", verdicts, answers.map { it.first() }.toSet())
        }
    }

    /** What the screen says of an answer, line by line, and on which color. */
    private fun answer(score: List<Float>): Pair<List<String>, Int> {
        val words = Published.card.words
        return when (val task = Published.card.task) {
            is Task.Binary -> {
                val (chance, average) = listOf(score.single(), task.baseRate).map(percent::format)
                val (verdict, color) = when {
                    score.single() >= task.threshold -> words.yes to R.color.yes
                    score.single() >= task.baseRate -> words.above to R.color.above_average
                    else -> words.below to R.color.below_average
                }
                listOf(verdict, activity.getString(R.string.chance, chance, words.event, average)) to color
            }
            is Task.Multiclass -> {
                val likeliest = task.classes.zip(score).sortedByDescending { it.second }.take(3)
                val lines = likeliest.flatMap { (name, probability) -> listOf(name, percent.format(probability)) }
                listOf("${words.answer}: ${likeliest.first().first}") + lines to R.color.answer
            }
            is Task.Regression -> {
                val number = "${words.answer}: ${figure(score.single())} ${words.unit}".trim()
                val interval = task.interval?.let { interval ->
                    val (low, high) = interval.around(score.single())
                    val end = "${figure(high)} ${words.unit}".trim()
                    activity.getString(R.string.interval, percent.format(interval.share), figure(low), end)
                }
                listOfNotNull(number, interval) to R.color.answer
            }
        }
    }

    @Test
    fun `as it starts, nothing is entered, and a tap asks for it, field by field`() {
        assertFalse(page.shows(R.id.result))
        assertFalse(page.shows(R.id.problem))
        val row = Published.card.golden.first().row
        for (field in page.fields.filterNot { it.feature.optional || it.text.isNotEmpty() }) {
            if (page.shown().getValue(field.name).isNotEmpty() && field.widget == Widget.DISTANCE) continue // filled in
            page.tap(R.id.predict)
            assertTrue(field.name, "please fill this in" in page.refusal(field.name).orEmpty())
            assertFalse(page.shows(R.id.result))
            page.enter(field.name, row[field.name])
            assertNull(field.name, page.refusal(field.name))
        }
        page.enterNeeded(row)
        page.tap(R.id.predict)
        assertTrue(page.shows(R.id.result))
    }

    @Test
    fun `who enters what must be is answered without what may be missing`() {
        val rows = Published.rows("needed")
        val answers = rows.map { (row, score) ->
            page.enterNeeded(row)
            page.tap(R.id.predict)
            assertEquals(answer(score).first, page.answer())
            page.answer()
        }
        val whole = Published.card.golden.take(rows.size).map { answer(it.score).first }
        val nothingElse = page.fields.none { it.feature.optional || it.isTypical }
        if (!nothingElse) assertNotEquals("the same rows with what may be missing", whole, answers)
    }

    @Test
    fun `every feature of the card has a field, which is labelled as the card says, and its values`() {
        for (field in page.fields) {
            val input = page.input(field.name)
            val label = if (input is Switch) input else all(activity.window.decorView).single { it.labelFor == input.id }
            assertEquals(field.label, (label as TextView).text.toString())
            assertTrue(field.name, field.label.isNotBlank())
            if (field.widget == Widget.CHOICE) {
                val choices = (input as Spinner).run { List(count) { getItemAtPosition(it).toString() } }.drop(1)
                val words = field.feature.valueWords
                val worded = field.feature.values.map { code -> code + words[code]?.let { "  $it" }.orEmpty() }
                assertEquals(worded, choices)
            }
        }
    }

    @Test
    fun `what may be missing may be left empty`() {
        val row = Published.card.golden.first().row
        page.enter(row)
        page.fields.filter { it.feature.optional }.forEach { page.enter(it.name, null) }
        page.fields.filter { it.widget == Widget.DISTANCE }.forEach { page.enter(it.name, row[it.name]) } // gone with its ends
        page.tap(R.id.predict)
        assertTrue(page.shows(R.id.result))
    }

    @Test
    fun `rotated before there is an answer, it has none`() {
        val row = Published.card.golden.last().row
        page.enterNeeded(Published.card.golden.first().row)
        page.tap(R.id.predict)
        page.enterNeeded(row)
        val before = page.shown()
        controller.recreate().visible()
        FormPage.settle()
        assertTrue(page.shows(R.id.form))
        assertFalse(page.shows(R.id.result))
        assertEquals(before, page.shown())
    }

    @Test
    fun `title, button and what is folded away are worded by the card`() {
        val words = Published.card.words
        val toolbar: Toolbar = activity.findViewById(R.id.toolbar)
        assertEquals(listOf(words.title, words.ask), listOf(toolbar.title, page.text(R.id.predict)))
        assertEquals("More about the ${words.row}", page.text(R.id.more))
        page.tap(R.id.more)
        assertEquals("Less about the ${words.row}", page.text(R.id.more))
    }

    @Test
    fun `rotated, it keeps what was entered, what was unfolded, and the answer`() {
        page.tap(R.id.more)
        page.enter(Published.rows("evaluation")[3].first)
        page.tap(R.id.predict)
        val before = listOf(page.shown(), page.answer(), resultColor())
        assertTrue(page.shows(R.id.more_fields))
        val first = activity
        RuntimeEnvironment.setQualifiers("+land")
        controller.configurationChange().visible()
        FormPage.settle()
        assertNotEquals("a new activity", first, activity)
        assertTrue(page.shows(R.id.more_fields) && page.shows(R.id.result))
        assertEquals(before, listOf(page.shown(), page.answer(), resultColor()))
    }

    @Test
    fun `the model and its months stand at the bottom`() {
        val card = Published.card
        val text = page.text(R.id.model)
        assertTrue(text, listOf("version ${card.version}", card.window.first(), card.window.last()).all { it in text })
    }

    @Test
    fun `the menu leads to the check of the model`() {
        shadowOf(activity).clickMenuItem(R.id.debug)
        assertEquals(DebugActivity::class.java.name, shadowOf(activity).nextStartedActivity.component!!.className)
    }

    @Test
    fun `it asks for no permission`() {
        val info = activity.packageManager.getPackageInfo(activity.packageName, PackageManager.GET_PERMISSIONS)
        assertTrue(info.requestedPermissions.orEmpty().isEmpty())
    }
}
